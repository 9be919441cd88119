"""Common characters that differ between the scripts: they tell which of them a vocabulary has."""

SIMPLIFIED = (
    "们这个来时说国会对学发过动经长进样还问关开两间见实现机电话书车东风语"
    "门头马鱼鸟龙岁乐爱亲让认识记读写讲设计论议试诉请谁谢课"
    "买卖质货费贵财产业务员团园图场声变边运远连选报众传优体"
)
TRADITIONAL = (
    "們這個來時說國會對學發過動經長進樣還問關開兩間見實現機電話書車東風語"
    "門頭馬魚鳥龍歲樂愛親讓認識記讀寫講設計論議試訴請誰謝課"
    "買賣質貨費貴財產業務員團園圖場聲變邊運遠連選報眾傳優體"
)
